from .hardware import Hardware as Hardware
from .recipes import Recipe as Recipe
from .techniques import Technique as Technique
from .verbs.apply import apply as apply
from .verbs.autotune import autotune as autotune
from .verbs.compare import compare as compare
from .verbs.compare import measure as measure
from .verbs.fix import fix as fix
from .verbs.history import last as last
from .verbs.history import runs as runs
from .verbs.history import script as script
from .verbs.profile import profile as profile
from .verbs.quantize import quantize as quantize
from .workload import Workload as Workload

__version__: str
