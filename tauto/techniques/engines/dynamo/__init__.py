"""What torch's compiler says of a model, in plain words: where it cuts it, why it compiles again, how it failed."""

from tauto.techniques.engines.dynamo.breaks import Break, HeardBreaks, break_of
from tauto.techniques.engines.dynamo.failures import Failure, failure_of
from tauto.techniques.engines.dynamo.guards import guard_in_words
from tauto.techniques.engines.dynamo.lines import UserLine, user_line

__all__ = [
    "Break",
    "Failure",
    "HeardBreaks",
    "UserLine",
    "break_of",
    "failure_of",
    "guard_in_words",
    "user_line",
]
