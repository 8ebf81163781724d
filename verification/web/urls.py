"""The caller's page for one verification."""

from django.urls import path

from verification.web import caller

app_name = "caller"
urlpatterns = [
    path("call/", caller.page, name="page"),
    path("call/words/", caller.words, name="words"),
    path("call/not-me/", caller.not_me, name="not_me"),
    path("call/login/<slug:broker>/", caller.login, name="login"),
    path("call/done/", caller.done, name="done"),
    path("<str:token>/", caller.door, name="door"),
]
