"""The API's addresses, under /api/v1/. What is not among them is answered as a problem too."""

from django.urls import URLPattern, path, re_path

from cases import api as cases
from contactcentre.api import docs
from verification.api import attempts, base, catalogue, interactions, prompts, proposals, receipts, registers, tokens
from visits import api as visits

urlpatterns: list[URLPattern] = [
    path("tokens/", tokens.Tokens.as_view()),
    path("tokens/current/", tokens.CurrentToken.as_view()),
    path("actions/", catalogue.Actions.as_view()),
    path("interactions/", interactions.Interactions.as_view()),
    path("interactions/<uuid:id>/", interactions.OneInteraction.as_view()),
    path("interactions/<uuid:id>/take/", interactions.Taking.as_view()),
    path("interactions/<uuid:id>/claim/", interactions.Claiming.as_view()),
    path("interactions/<uuid:id>/end/", interactions.Ending.as_view()),
    path("interactions/<uuid:id>/prompts/", prompts.Prompts.as_view()),
    path("interactions/<uuid:id>/register/", registers.Registers.as_view()),
    path("interactions/<uuid:id>/actions/<str:action>/", attempts.Attempts.as_view()),
    path("proposals/", proposals.Proposals.as_view()),
    path("proposals/<uuid:id>/", proposals.OneProposal.as_view()),
    path("proposals/<uuid:id>/approve/", proposals.Approving.as_view()),
    path("proposals/<uuid:id>/reject/", proposals.Rejecting.as_view()),
    path("grants/<uuid:id>/receipt/", receipts.Receipts.as_view()),
    path("receipts/jwks/", receipts.Keys.as_view()),
    path("cases/", cases.Cases.as_view()),
    path("cases/<uuid:id>/", cases.OneCase.as_view()),
    path("cases/<uuid:id>/close/", cases.Closing.as_view()),
    path("visits/", visits.Visits.as_view()),
    path("visits/<uuid:id>/", visits.OneVisit.as_view()),
    path("schema/", docs.Schema.as_view(), name="api-schema"),
    path("docs/", docs.Page.as_view(), name="api-docs"),
    path("problems/<slug:code>/", base.ProblemKind.as_view()),
    re_path(r"", base.Nothing.as_view()),
]
