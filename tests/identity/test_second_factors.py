"""Second factors through the API: set up, asked for, stepped up to, lost (abuse cases 20, 21 and 22)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.db import connection

from apps.audit.models import AuditEvent
from apps.core import clock
from apps.identity import messages, seals, selectors, services
from apps.identity.models import Challenge, RecoveryCode, SecondFactor, Session
from apps.identity.otp import totp_code, totp_step_accepted
from apps.identity.selectors import factor_app_key
from apps.identity.tokens import AccessToken
from apps.vault.crypto import key_number
from apps.vault.services import rotation_continue, rotation_start
from tests.factories.identity import PASSWORD, UserFactory, user_make

pytestmark = pytest.mark.django_db
# Behind the real clock, which PyJWT reads: tokens made at this moment and some minutes later are good now.
NOON = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=8)


@pytest.fixture(autouse=True)
def _long_tokens(monkeypatch):
    """The moment above is when the file was read, which in a whole run is long before its tests."""
    monkeypatch.setattr(AccessToken, "lifetime", timedelta(hours=6))  # the class read the settings when it was made


def code_at(factor: SecondFactor, at: datetime) -> str:
    return totp_code(factor_app_key(factor), int(at.timestamp()))


def factor_of(user, at=NOON - timedelta(minutes=10)) -> SecondFactor:
    """A confirmed authenticator app."""
    enrolled = services.factor_enrol(acting_user=user, kind="totp", name="Phone", at=at)
    code = totp_code(enrolled.secret, int(at.timestamp()))
    services.factor_confirm(acting_user=user, factor_id=enrolled.factor.pk, code=code, at=at)
    user.refresh_from_db()
    return SecondFactor.objects.get(pk=enrolled.factor.pk)


def login(api, user):
    return api.post("auth/login", {"email": user.email, "password": PASSWORD})


def test_an_app_is_set_up_and_then_asked_for(api):
    user = UserFactory()
    with clock.frozen(NOON):
        client = api.as_user(user)
        begun = client.post("auth/factors", {"kind": "totp", "name": "Phone"})
        assert begun.status_code == 201, begun.content
        body = begun.json()
        assert body["uri"].startswith("otpauth://totp/")
        assert body["secret"] in body["uri"]
        assert body["qr_svg"].startswith("<svg")
        assert login(api, user).status_code == 200, "it counts only once its first code was shown"
        confirmation = f"auth/factors/{body['factor']['id']}/confirmation"
        assert client.post(confirmation, {"code": "000000"}).json()["code"] == "code-not-valid"
        code = totp_code(body["secret"], int(NOON.timestamp()))
        confirmed = client.post(confirmation, {"code": code})
        assert confirmed.status_code == 200, confirmed.content
        assert len(set(confirmed.json()["recovery_codes"])) == 10
    with clock.frozen(NOON + timedelta(minutes=1)):
        asked = login(api, user)
        assert asked.status_code == 202
        challenge = asked.json()
        assert challenge["mfa_required"] is True
        assert [method["kind"] for method in challenge["methods"]] == ["totp", "recovery"]
        assert "access" not in challenge
        code = totp_code(body["secret"], int(NOON.timestamp()) + 60)
        done = api.post("auth/mfa/verify", {"mfa_token": challenge["mfa_token"], "code": code})
        assert done.status_code == 200, done.content
        api.access = done.json()["access"]
        assert api.get("users/me").json()["mfa_enabled_at"] is not None
        again = api.post("auth/mfa/verify", {"mfa_token": challenge["mfa_token"], "code": code})
        assert again.json()["code"] == "challenge-not-valid"


def test_setting_up_the_first_one_ends_other_sessions(api, user):
    with clock.frozen(NOON):
        other, here = api.as_user(user), api.as_user(user)
        begun = here.post("auth/factors", {"kind": "totp"}).json()
        code = totp_code(begun["secret"], int(NOON.timestamp()))
        here.post(f"auth/factors/{begun['factor']['id']}/confirmation", {"code": code})
        assert other.get("users/me").status_code == 401
        assert here.get("users/me").status_code == 200


def raw_key(factor_id):
    with connection.cursor() as cursor:
        cursor.execute("SELECT app_key, secret FROM identity_secondfactor WHERE id = %s", [factor_id])
        sealed, old = cursor.fetchone()
    return bytes(sealed), old


def test_the_key_of_an_app_is_in_the_vault_and_its_rotation_covers_it(user):
    enrolled = services.factor_enrol(acting_user=user, kind="totp", at=NOON)
    sealed, old = raw_key(enrolled.factor.pk)
    assert (old, enrolled.secret.encode() in sealed) == ("", False)
    rotation = rotation_start(acting_user=None, reason="test", at=clock.now())
    for _ in rotation_continue(at=clock.now()):
        pass
    again, _ = raw_key(enrolled.factor.pk)
    assert key_number(sealed) < key_number(again) == rotation.data_key_id
    assert factor_app_key(SecondFactor.objects.get(pk=enrolled.factor.pk)) == enrolled.secret


def test_a_key_kept_under_the_secret_of_before_works_and_moves_into_the_vault(user):
    factor = factor_of(user)
    key = factor_app_key(factor)
    old = {"app_key": b"", "secret": seals._box().encrypt(key.encode()).decode()}
    SecondFactor.objects.filter(pk=factor.pk).update(**old)
    lost = SecondFactor.objects.create(user=user, kind="totp", secret="sealed elsewhere", confirmed=True)
    factor.refresh_from_db()
    begun = services.challenge_begin(user=user, purpose="sign_in", at=NOON)
    assert services.challenge_answer(
        token=begun.token, code=code_at(factor, NOON), purposes=frozenset({"sign_in"}), at=NOON
    )
    assert services.factors_reseal() == 1
    assert (raw_key(factor.pk)[1], factor_app_key(SecondFactor.objects.get(pk=factor.pk))) == ("", key)
    assert raw_key(lost.pk) == (b"", "sealed elsewhere")
    assert services.factors_reseal() == 0


def test_what_has_long_ended_goes_and_what_lives_stays(user):
    at, long_ago = clock.now(), clock.now() - timedelta(days=91)
    alive = services.token_pair_issue(user=user, at=at)
    ended = services.token_pair_issue(user=user, at=long_ago)
    services.token_revoke(acting_user=user, session_id=ended.session_id, at=long_ago)
    services.challenge_begin(user=user, purpose="step_up", at=long_ago, session_id=ended.session_id)
    kept = services.challenge_begin(user=user, purpose="step_up", at=at, session_id=alive.session_id)
    gone = services.access_tidy(at=at)
    assert (gone["sessions"], gone["challenges"]) == (1, 1)
    assert services.challenge_user_id(token=kept.token, at=at) == user.pk
    assert list(user.sessions.values_list("pk", flat=True)) == [alive.session_id]
    assert not any(services.access_tidy(at=at).values())


@pytest.mark.parametrize("drift", [-30, 0, 30])
def test_codes_of_a_clock_half_a_minute_off_are_taken(user, drift):
    factor = factor_of(user)
    code = code_at(factor, NOON + timedelta(seconds=drift))
    begun = services.challenge_begin(user=user, purpose="sign_in", at=NOON)
    answered = services.challenge_answer(token=begun.token, code=code, purposes=frozenset({"sign_in"}), at=NOON)
    assert answered.used_at == NOON


@pytest.mark.parametrize("drift", [-61, 61])
def test_older_and_later_codes_are_not(user, drift):
    secret = services.factor_enrol(acting_user=user, kind="totp", at=NOON).secret
    code = totp_code(secret, int(NOON.timestamp()) + drift)
    assert totp_step_accepted(secret, code, at=NOON, after=-1) is None


def test_a_used_code_opens_nothing_a_second_time(api, user):
    factor = factor_of(user)
    with clock.frozen(NOON):
        code = code_at(factor, NOON)
        first, second = login(api, user).json(), login(api, user).json()
        assert api.post("auth/mfa/verify", {"mfa_token": first["mfa_token"], "code": code}).status_code == 200
        replayed = api.post("auth/mfa/verify", {"mfa_token": second["mfa_token"], "code": code})
        assert replayed.status_code == 422
        assert replayed.json()["code"] == "code-not-valid"
        assert AuditEvent.objects.filter(action="identity.factor.refused", kind="security").exists()


def test_five_wrong_codes_end_a_challenge(api, user):
    factor = factor_of(user)
    with clock.frozen(NOON):
        token = login(api, user).json()["mfa_token"]
        answers = [api.post("auth/mfa/verify", {"mfa_token": token, "code": f"{n:06d}"}).status_code for n in range(5)]
        assert answers == [422] * 5
        right = {"mfa_token": token, "code": code_at(factor, NOON)}
        assert api.post("auth/mfa/verify", right).status_code == 401


def test_codes_are_limited_by_user_whatever_the_challenge(api, user, rates):
    factor = factor_of(user)
    with clock.frozen(NOON), rates(code_user="3/h"):
        answers = []
        for number in range(4):
            token = login(api, user).json()["mfa_token"]
            answers.append(api.post("auth/mfa/verify", {"mfa_token": token, "code": f"{number:06d}"}))
        assert [answer.status_code for answer in answers] == [422, 422, 422, 429]
        assert int(answers[-1]["Retry-After"]) >= 1
        assert factor.user_id == user.pk


def test_a_challenge_expires_and_does_not_open_the_api(api, user):
    factor = factor_of(user)
    with clock.frozen(NOON):
        token = login(api, user).json()["mfa_token"]
        api.access = token
        assert api.get("users/me").status_code == 401, "step 2 cannot be left out"
        api.access = ""
    late = NOON + timedelta(minutes=6)
    with clock.frozen(late):
        answer = api.post("auth/mfa/verify", {"mfa_token": token, "code": code_at(factor, late)})
        assert answer.json()["code"] == "challenge-not-valid"


def test_a_recovery_code_works_once(api, user):
    at = NOON - timedelta(minutes=10)
    enrolled = services.factor_enrol(acting_user=user, kind="totp", at=at)
    code = totp_code(enrolled.secret, int(at.timestamp()))
    codes = services.factor_confirm(acting_user=user, factor_id=enrolled.factor.pk, code=code, at=at)
    assert not RecoveryCode.objects.filter(code_hash__in=codes).exists()
    with clock.frozen(NOON):
        tokens = [login(api, user).json()["mfa_token"] for _ in range(2)]
        typed = f" {codes[0].lower()} "
        assert api.post("auth/mfa/verify", {"mfa_token": tokens[0], "code": typed}).status_code == 200
        assert api.post("auth/mfa/verify", {"mfa_token": tokens[1], "code": typed}).status_code == 422
        assert AuditEvent.objects.filter(action="identity.factor.used", after__method="recovery").count() == 1


@pytest.mark.parametrize("kind", ["sms", "email"])
def test_codes_by_message(api, kind, capsys, django_capture_on_commit_callbacks):
    user = UserFactory(phone="+254 712 345 678")

    def sent() -> str:
        text = mail.outbox[-1].body if kind == "email" else capsys.readouterr().out
        return re.findall(r"\b\d{6}\b", text)[-1]

    with clock.frozen(NOON):
        client = api.as_user(user)
        with django_capture_on_commit_callbacks(execute=True):
            begun = client.post("auth/factors", {"kind": kind}).json()
        assert begun["secret"] == begun["uri"] == ""
        confirmed = client.post(f"auth/factors/{begun['factor']['id']}/confirmation", {"code": sent()})
        assert confirmed.status_code == 200, confirmed.content
        challenge = login(api, user).json()
        method = challenge["methods"][0]
        assert method["kind"] == kind
        assert user.email not in str(challenge)
        ask = {"mfa_token": challenge["mfa_token"], "factor_id": method["id"]}
        for _ in range(3):
            with django_capture_on_commit_callbacks(execute=True):
                assert api.post("auth/mfa/code", ask).status_code == 202
        assert api.post("auth/mfa/code", ask).status_code == 422, "three messages at most"
        answer = {"mfa_token": challenge["mfa_token"], "code": sent()}
        assert api.post("auth/mfa/verify", answer).status_code == 200
        assert not Challenge.objects.filter(code_hash=answer["code"]).exists()


def test_messages_go_the_way_that_was_registered_in_the_persons_language(user, settings):
    got = []
    messages.sender_register("sms", got.append)
    try:
        messages.message_send(channel="sms", kind="code", user=user, to="+254", subject="", code="123456", minutes=5)
        user.locale = "sw-KE"
        messages.message_send(
            channel="sms", kind="code", user=user, to="+254", subject="Your code for {bank_name}", code="1", minutes=5
        )
    finally:
        messages.sender_remove("sms")
    assert "123456" in got[0].text
    assert "nambari yako ya siri ni 1" in got[1].text
    assert got[1].subject == f"Nambari yako ya siri ya {settings.NUMINA['BANK_NAME']}"


def test_without_a_sender_text_messages_are_no_second_factor(api, user, settings):
    settings.NUMINA = {**settings.NUMINA, "SMS_CONSOLE": False}
    answer = api.as_user(user).post("auth/factors", {"kind": "sms", "address": "+254712345678"})
    assert answer.json()["code"] == "channel-unavailable"


def test_a_factor_is_not_removed_without_showing_one(api, user):
    factor = factor_of(user)
    with clock.frozen(NOON):
        client = api.as_user(user)  # a session that showed no second factor
        refused = client.delete(f"auth/factors/{factor.pk}")
        assert refused.status_code == 403
        assert refused.json()["code"] == "mfa-step-up-required"
        assert client.post("auth/recovery-codes").json()["code"] == "mfa-step-up-required"
        assert client.post("auth/factors", {"kind": "totp"}).json()["code"] == "mfa-step-up-required"
        challenge = client.post("auth/step-up").json()
        stepped = client.post(
            "auth/step-up/verify", {"mfa_token": challenge["mfa_token"], "code": code_at(factor, NOON)}
        )
        assert stepped.status_code == 200, stepped.content
        assert client.delete(f"auth/factors/{factor.pk}").status_code == 204
        user.refresh_from_db()
        assert user.mfa_enabled_at is None
        assert login(api, user).status_code == 200


def test_a_step_up_is_of_one_session_and_of_minutes(api, user):
    factor = factor_of(user)
    with clock.frozen(NOON):
        here, there = api.as_user(user), api.as_user(user)
        token = here.post("auth/step-up").json()["mfa_token"]
        answer = {"mfa_token": token, "code": code_at(factor, NOON)}
        assert there.post("auth/step-up/verify", answer).status_code == 401
        assert here.post("auth/step-up/verify", answer).status_code == 200
        assert there.post("auth/recovery-codes").status_code == 403
        assert here.post("auth/recovery-codes").status_code == 200
    with clock.frozen(NOON + timedelta(minutes=6)):
        assert here.post("auth/recovery-codes").status_code == 403


def test_without_a_second_factor_the_password_steps_up(api, user):
    client = api.as_user(user)
    challenge = client.post("auth/step-up").json()
    assert challenge["mfa_required"] is False
    verify = {"mfa_token": challenge["mfa_token"]}
    assert client.post("auth/step-up/verify", {**verify, "code": "wrong"}).status_code == 422
    assert client.post("auth/step-up/verify", {**verify, "code": PASSWORD}).status_code == 200
    assert Session.objects.get(user=user).verified_at is not None


def test_a_password_does_not_answer_for_who_has_a_second_factor(api, user):
    factor_of(user)
    with clock.frozen(NOON):
        client = api.as_user(user)
        token = client.post("auth/step-up").json()["mfa_token"]
        assert client.post("auth/step-up/verify", {"mfa_token": token, "code": PASSWORD}).status_code == 422


def test_staff_must_have_one_where_the_settings_say_so(api, settings):
    settings.NUMINA = {**settings.NUMINA, "MFA_REQUIRED_FOR_STAFF": True}
    clerk, member = user_make("members.view"), user_make("members.view", is_staff=False, scope="own")
    with clock.frozen(NOON):
        client = api.as_user(clerk)
        refused = client.get("members")
        assert (refused.status_code, refused.json()["code"]) == (403, "mfa-enrolment-required")
        assert client.get("users/me").status_code == 200
        factor = factor_of(clerk, at=NOON)
        assert selectors.mfa_required_of(clerk)
        entered = api.as_user(clerk)
        assert entered.get("members").status_code == 200
        assert api.as_user(member).get("members").status_code == 200
        session = Session.objects.filter(user=clerk, revoked_at=None).latest("created_at")
        services.session_verify(user_id=clerk.pk, session_id=session.pk, at=NOON)
        assert entered.delete(f"auth/factors/{factor.pk}").json()["code"] == "factor-refused"


def test_a_stolen_token_sets_up_no_factor_of_its_own(api, user):
    """Right after signing in the first one needs no more; later the password is asked for again."""
    client = api.as_user(user)
    Session.objects.filter(user=user).update(created_at=clock.now() - timedelta(minutes=6))
    assert client.post("auth/factors", {"kind": "totp"}).json()["code"] == "mfa-step-up-required"
    Session.objects.filter(user=user).update(created_at=clock.now())
    assert client.post("auth/factors", {"kind": "totp"}).status_code == 201


def test_factors_of_others_do_not_exist(api, user):
    factor = factor_of(UserFactory())
    client = api.as_user(user).step_up()
    assert client.delete(f"auth/factors/{factor.pk}").status_code == 404
    assert client.post(f"auth/factors/{factor.pk}/confirmation", {"code": "123456"}).status_code == 404
    assert client.get("auth/factors").json()["data"] == []


def test_an_administrator_helps_who_lost_everything(user):
    factor_of(user)
    admin = user_make("identity.manage_users")
    services.factors_reset(acting_user=admin, user_id=user.pk, reason="phone lost, seen in person", at=NOON)
    user.refresh_from_db()
    assert user.mfa_enabled_at is None
    assert not SecondFactor.objects.filter(user=user).exists()
    assert AuditEvent.objects.get(action="identity.factor.reset").reason == "phone lost, seen in person"
