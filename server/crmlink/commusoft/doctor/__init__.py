"""Finds out what a Commusoft account speaks, step by step, and says it in words."""

from crmlink.commusoft.doctor.examine import examine
from crmlink.commusoft.doctor.steps import Step
from crmlink.commusoft.doctor.words import say, support_message

__all__ = ["Step", "examine", "say", "support_message"]
