"""Finds out what a Commusoft account speaks, step by step, and says it in words."""

from crmlink.commusoft.doctor.checks import examine
from crmlink.commusoft.doctor.messages import say, support_message
from crmlink.commusoft.doctor.results import Step

__all__ = ["Step", "examine", "say", "support_message"]
