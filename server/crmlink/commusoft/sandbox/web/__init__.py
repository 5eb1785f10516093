"""The sandbox's web application: plays Commusoft's pages over the records of its API."""

from crmlink.commusoft.sandbox.web.blueprint import web
from crmlink.commusoft.sandbox.web.sessions import WebSessions

__all__ = ["WebSessions", "web"]
