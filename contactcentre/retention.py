"""How long sessions and counts of failed logins are kept, which are tables of the libraries that we use."""

from __future__ import annotations

from audit.retention import expires, stays

stays("contactcentre.Mark", "contactcentre.Milestone", kept="log", note="about the installation, not about people")
expires("sessions.Session", kept="secret", since="expire_date")
expires("axes.AccessAttempt", kept="trace", since="attempt_time")
expires("axes.AccessFailureLog", kept="trace", since="attempt_time")
expires("axes.AccessLog", kept="trace", since="attempt_time")
expires("admin.LogEntry", kept="trace", since="action_time")
