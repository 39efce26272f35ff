"""The least that Django can answer: one view, no middleware. What HTTP itself costs on this machine."""

import json

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="nothing-is-signed-here", MIDDLEWARE=[], DEBUG=False
)
django.setup(set_prefix=False)

BODY = json.dumps({"status": "ok"}).encode()


def answer(request: HttpRequest) -> HttpResponse:
    return HttpResponse(BODY, content_type="application/json", headers={"Content-Length": str(len(BODY))})


urlpatterns = [path("", answer)]
application = WSGIHandler()
