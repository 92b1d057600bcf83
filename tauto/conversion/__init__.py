"""From a model to a file that an engine loads: the exported program, its ONNX form, and the signature of its calls."""

from tauto.conversion.export import Exported, Witness, calibration, export
from tauto.conversion.onnx import OnnxExport, export_onnx
from tauto.conversion.quiet import converting, quiet
from tauto.conversion.signature import Signature, TensorSpec
from tauto.conversion.signature_file import load_signature, save_signature

__all__ = [
    "Exported",
    "OnnxExport",
    "Signature",
    "TensorSpec",
    "Witness",
    "calibration",
    "converting",
    "export",
    "export_onnx",
    "load_signature",
    "quiet",
    "save_signature",
]
