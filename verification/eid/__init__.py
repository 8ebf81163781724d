"""Strong e-ID through brokers: OpenID Connect by redirect, and CIBA. Protocol only: no models, no pages, no clock.

    brokers.configured()["bank"]                       who they are and what each of them does
    client.begin_login / client.finish_login           authorization code, PKCE, signed request, encrypted answer
    ciba.start / ciba.poll                             the prompt on the person's own phone
    judging.accepted_kind                              what the answer is worth as evidence, if anything

All of them raise Rejected with a Code of its own per case; no exception here carries personal data or a token.
"""
