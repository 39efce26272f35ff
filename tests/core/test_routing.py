"""Routes found by shape are those that Django's own search finds."""

from uuid import UUID, uuid4

import pytest
from django.urls import Resolver404, ResolverMatch, URLResolver, include, resolve
from django.urls.resolvers import RoutePattern

from config.api import urlpatterns
from config.handlers import routes_load
from config.routing import ShapeResolver, all_routes, api_routes

ONE, OTHER = str(uuid4()), str(uuid4())


def routes_of(patterns: list[object], prefix: str = "") -> list[str]:
    found = []
    for pattern in patterns:
        route = prefix + str(pattern.pattern)  # type: ignore[attr-defined]
        found += routes_of(pattern.url_patterns, route) if isinstance(pattern, URLResolver) else [route]
    return found


def filled(route: str) -> str:
    parts = []
    for part in route.split("/"):
        if part.startswith("<"):
            kind = part[1:].split(":")[0]
            parts.append({"uuid": ONE, "int": "12", "date": "2026-01-31"}.get(kind, "thing"))
        else:
            parts.append(part)
    return "api/v1/" + "/".join(parts)


def said(match: ResolverMatch) -> tuple[object, ...]:
    return match.func, match.args, match.kwargs, match.view_name, match.route


@pytest.fixture
def shapes() -> ShapeResolver:
    return api_routes("api/v1/", "config.api")


def test_every_route_is_found_as_django_finds_it_the_first_time_and_again(shapes: ShapeResolver) -> None:
    plain = URLResolver(RoutePattern("api/v1/", is_endpoint=False), include("config.api")[0])
    routes = [filled(route) for route in routes_of(list(urlpatterns))]
    assert len(routes) > 100
    for path in routes:
        expected = said(plain.resolve(path))
        for _ in range(2):
            assert said(shapes.resolve(path)) == expected, path
        other = path.replace(ONE, OTHER)
        assert said(shapes.resolve(other)) == said(plain.resolve(other)), other


def test_the_site_finds_them_below_its_own_resolver() -> None:
    for name in ("balance", "transactions"):
        for account in (ONE, OTHER, ONE):
            assert resolve(f"/api/v1/accounts/{account}/{name}").kwargs == {"account_id": UUID(account)}


def test_a_path_that_spells_the_placeholder_is_looked_for(shapes: ShapeResolver) -> None:
    shapes.resolve(f"api/v1/accounts/{ONE}/balance")
    with pytest.raises(Resolver404):
        shapes.resolve("api/v1/accounts/*/balance")


def test_callers_cannot_make_the_memory_grow(shapes: ShapeResolver) -> None:
    for number in range(50):
        with pytest.raises(Resolver404):
            shapes.resolve(f"api/v1/nothing-{number}/{uuid4()}")
        assert shapes.resolve(f"api/v1/accounts/{UUID(int=number + 1)}").kwargs == {"account_id": UUID(int=number + 1)}
    assert len(shapes._matches) == 1


def test_routes_are_compiled_before_the_first_request() -> None:
    routes_load()
    waiting: list[URLResolver] = [all_routes()]
    while waiting:
        for route in waiting.pop().url_patterns:
            if isinstance(route, URLResolver):
                waiting.append(route)
            elif getattr(route.pattern, "converters", None):
                assert "regex" in vars(route.pattern), route
