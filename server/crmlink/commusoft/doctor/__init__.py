"""Doctor: checks step by step how a Commusoft account works."""

from crmlink.commusoft.doctor.checks import run_checks
from crmlink.commusoft.doctor.messages import check_text, support_message
from crmlink.commusoft.doctor.results import CheckResult

__all__ = ["CheckResult", "check_text", "run_checks", "support_message"]
