"""The caller's page for one verification."""

from django.urls import path

from verification.web import caller, code_app, looks, passkey

app_name = "caller"
urlpatterns = [
    path("call/", caller.page, name="page"),
    path("call/words/", caller.words, name="words"),
    path("call/not-me/", caller.not_me, name="not_me"),
    path("call/login/<slug:broker>/", caller.login, name="login"),
    path("call/passkey/", passkey.use, name="passkey"),
    path("call/passkey/begin/", passkey.begin, name="passkey_begin"),
    path("call/passkey/new/", passkey.make, name="passkey_new"),
    path("call/passkey/new/begin/", passkey.begin_making, name="passkey_new_begin"),
    path("call/code-app/", code_app.connect, name="code_app"),
    path("call/looks/", looks.looks, name="looks"),
    path("call/done/", caller.done, name="done"),
    path("<str:token>/", caller.door, name="door"),
]
