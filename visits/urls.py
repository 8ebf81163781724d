"""The customer's page for one visit."""

from django.urls import path

from visits import web

app_name = "visits"
urlpatterns = [
    path("visit/", web.page, name="page"),
    path("visit/confirm/", web.confirm, name="confirm"),
    path("visit/approve/", web.approve, name="approve"),
    path("visit/cancel/", web.cancel, name="cancel"),
    path("<str:token>/", web.door, name="door"),
]
