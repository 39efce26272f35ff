"""Limits on guessing (abuse case 20)."""

from __future__ import annotations

import threading

import pytest
from django.test import RequestFactory

from apps.core.context import client_ip
from apps.core.errors import TooManyRequests
from apps.identity.rates import login_keys, rate_check, rate_give_back
from tests.factories.identity import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db


def guess(api, email, password="wrong", **extra):  # noqa: S107
    return api.post("auth/login", {"email": email, "password": password}, **extra)


def test_guesses_are_stopped_with_retry_after(api, user, rates):
    with rates(login_pair="3/h"):
        for _ in range(3):
            assert guess(api, user.email).status_code == 401
        stopped = guess(api, user.email.upper(), PASSWORD)  # the right password does not help any more
        assert stopped.status_code == 429
        assert stopped["Content-Type"] == "application/problem+json"
        assert stopped.json()["code"] == "rate-limited"
        assert 1 <= int(stopped["Retry-After"]) <= 3600
        assert guess(api, "other@example.com").status_code == 401


def test_successes_do_not_count(api, user, rates):
    with rates(login_pair="3/h", login_ip="3/h", login_email="3/h"):
        for _ in range(6):
            assert guess(api, user.email, PASSWORD).status_code == 200


def test_one_address_trying_many_people(api, rates):
    with rates(login_ip="4/h"):
        answers = [guess(api, f"p{n}@example.com").status_code for n in range(6)]
    assert answers == [401] * 4 + [429] * 2


def test_many_addresses_trying_one_person(api, user, rates):
    with rates(login_email="4/h"):
        answers = [guess(api, user.email, REMOTE_ADDR=f"203.0.113.{n}").status_code for n in range(6)]
    assert answers == [401] * 4 + [429] * 2


def test_a_spoofed_forwarded_header_changes_nothing(api, rates):
    with rates(login_ip="2/h"):
        answers = [
            guess(api, f"p{n}@example.com", headers={"X-Forwarded-For": f"198.51.100.{n}"}).status_code
            for n in range(4)
        ]
    assert answers == [401, 401, 429, 429]


def test_addresses_behind_our_proxies():
    seen = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "6.6.6.6, 203.0.113.9"}
    assert client_ip(seen, trusted_proxies=0) == "10.0.0.1"
    assert client_ip(seen, trusted_proxies=1) == "203.0.113.9"
    assert client_ip({**seen, "HTTP_X_FORWARDED_FOR": "rubbish"}, trusted_proxies=1) == ""
    assert client_ip({"REMOTE_ADDR": "10.0.0.1"}, trusted_proxies=1) == "10.0.0.1"
    assert client_ip({}, trusted_proxies=0) == ""


def test_ipv6_customers_are_counted_by_their_network(settings):
    keys = [
        login_keys(RequestFactory().post("/", REMOTE_ADDR=f"2001:db8:1:2::{n}"), "a@b.co")["login_ip"] for n in (1, 2)
    ]
    assert keys[0] == keys[1] == "2001:db8:1:2::"


def test_registration_and_refresh_are_limited(api, rates):
    with rates(register_ip="2/h", refresh_ip="2/h"):
        registered = [
            api.post("auth/register", {"email": f"n{n}@example.com", "password": "short"}).status_code for n in range(3)
        ]
        refreshed = [api.post("auth/refresh", {"refresh": "rubbish"}).status_code for _ in range(3)]
    assert registered == [400, 400, 429]
    assert refreshed == [401, 401, 429]


def test_parallel_guesses_do_not_slip_through(rates):
    request = RequestFactory().post("/")
    keys = login_keys(request, "a@example.com")
    passed, stopped = [], []
    with rates(login_pair="5/h"):

        def attempt():
            try:
                rate_check(request, keys)
                passed.append(1)
            except TooManyRequests:
                stopped.append(1)

        threads = [threading.Thread(target=attempt) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (len(passed), len(stopped)) == (5, 15)


def test_giving_back_what_was_never_counted_gains_nothing(api, rates):
    request = RequestFactory().post("/")
    with rates(login_pair="1/h"):
        rate_give_back(login_keys(request, "never-counted@example.com"))
        assert guess(api, "never-counted@example.com").status_code == 401
        assert guess(api, "never-counted@example.com").status_code == 429


def test_a_lost_cache_locks_nobody_out(api, user, rates, settings):
    settings.CACHES = {
        "default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"},
    }
    with rates(login_pair="1/h"):
        assert [guess(api, user.email, PASSWORD).status_code for _ in range(3)] == [200, 200, 200]


def test_the_staff_sites_sign_in_is_counted_together_with_the_api(client, api, rates):
    user = UserFactory(is_staff=True)
    with rates(login_pair="3/h"):
        assert guess(api, user.email).status_code == 401
        for _ in range(2):
            page = client.post("/admin/login/", {"username": user.email, "password": "wrong"})
            assert page.status_code == 200
        stopped = client.post("/admin/login/", {"username": user.email, "password": PASSWORD})
        assert stopped.status_code == 429
        assert int(stopped["Retry-After"]) >= 1
        assert b"Too many attempts" in stopped.content
        assert client.get("/admin/login/").status_code == 200
