from .config import Constraints as Constraints
from .decoding import Decoder as Decoder
from .hardware import Hardware as Hardware
from .hardware import targets as targets
from .recipes import Recipe as Recipe
from .recipes import presets as presets
from .techniques import Technique as Technique
from .verbs.apply import apply as apply
from .verbs.autotune import autotune as autotune
from .verbs.compare import compare as compare
from .verbs.compare import measure as measure
from .verbs.compile import compile as compile  # noqa: A004
from .verbs.counts import count_flops as count_flops
from .verbs.counts import count_parameters as count_parameters
from .verbs.decode import decode as decode
from .verbs.distill import distill as distill
from .verbs.factorize import factorize as factorize
from .verbs.fix import fix as fix
from .verbs.history import last as last
from .verbs.history import runs as runs
from .verbs.history import script as script
from .verbs.keeping import load as load
from .verbs.keeping import save as save
from .verbs.passes import profile_backward_pass as profile_backward_pass
from .verbs.passes import profile_forward_pass as profile_forward_pass
from .verbs.pipeline import optimization_pipeline as optimization_pipeline
from .verbs.profile import profile as profile
from .verbs.prune import prune as prune
from .verbs.quantize import quantize as quantize
from .verbs.quick import measure_latency as measure_latency
from .verbs.quick import measure_memory as measure_memory
from .verbs.quick import quick_profile as quick_profile
from .verbs.sensitivity import sensitivity as sensitivity
from .verbs.weights import analyze_weight_distribution as analyze_weight_distribution
from .workload import Workload as Workload

__version__: str
