"""How a part is typed and lowered: with those of numba's steps that it needs, once each.

A part has no closures, no `with`, no stars, no literals to unroll, raises nothing, and owns no memory: there are no
references to count, nor variables to let go. How long they live, which numba finds out after each of its steps, nobody
asks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.core import types
from numba.core.compiler import CompilerBase
from numba.core.interpreter import Interpreter
from numba.core.ir_utils import build_definitions
from numba.core.ssa import reconstruct_ssa
from numba.core.transforms import canonicalize_cfg
from numba.core.typed_passes import NoPythonBackend, NopythonTypeInference, PreLowerStripPhis
from numba.core.untyped_passes import FixupArgs

from simsys.draws.calls import PartLowering, VectorLowering

MAKERS = {np.empty, np.zeros, np.ones, np.full, np.arange, np.empty_like, np.zeros_like}


class Translator(Interpreter):
    """Translates Python's byte code."""

    def post_process(self, peepholes: Any, code: Any) -> Any:
        """Numba goes on to mend what comes of `with` and of stars; a part has none of them."""
        return code


class Pipeline:
    """Numba's steps, one after the other; the last but one makes code."""

    pipeline_name = "part"

    def __init__(self, lowering: Any) -> None:
        self.lowering = lowering
        self.exec_times: dict[str, Any] = {}

    def run(self, state: Any) -> None:
        """From Python's byte code to code that LLVM can link."""
        state.func_ir = Translator(state.func_id).interpret(state.bc)
        FixupArgs().run_pass(state)
        state.func_ir.blocks = canonicalize_cfg(state.func_ir.blocks)
        reconstruct_ssa(state.func_ir)
        state.func_ir._definitions = build_definitions(state.func_ir.blocks)
        NopythonTypeInference().run_pass(state)
        refuse_memory(state)
        PreLowerStripPhis()._strip_phi_nodes(state.func_ir)
        state.func_ir._definitions = build_definitions(state.func_ir.blocks)
        self.lowering().run_pass(state)
        NoPythonBackend().run_pass(state)


def refuse_memory(state: Any) -> None:
    """TypeError for a part that makes arrays and does not give them back: nobody would ever let go of them."""
    called = (kind.typing_key for kind in state.typemap.values() if isinstance(kind, types.Function))
    if not isinstance(state.return_type, types.Array) and not MAKERS.isdisjoint(called):
        raise TypeError(f"{state.func_id.func_name} is a part, and makes an array for itself: let it be given one")


class VectorCompiler(CompilerBase):
    """Numba's compiler, for parts whose loops become vector instructions."""

    def define_pipelines(self) -> list[Any]:
        return [Pipeline(VectorLowering)]


class PartCompiler(CompilerBase):
    """The same, for parts whose loops turn few times."""

    def define_pipelines(self) -> list[Any]:
        return [Pipeline(PartLowering)]
