"""Where telephone providers reach us."""

from ivr.actions import HouseActions
from ivr.web import routes

app_name = "ivr"
urlpatterns = routes(HouseActions())
