"""How a part is typed and lowered: with those of numba's steps that it needs, once each.

A part has no closures, no literals to unroll, raises nothing, and owns no memory: there are no references to count, nor
variables to let go. How long they live, which numba finds out after each of its steps, nobody asks.
"""

from __future__ import annotations

from typing import Any

from numba.core.compiler import CompilerBase
from numba.core.ir_utils import build_definitions
from numba.core.ssa import reconstruct_ssa
from numba.core.transforms import canonicalize_cfg
from numba.core.typed_passes import NoPythonBackend, NopythonTypeInference, PreLowerStripPhis
from numba.core.untyped_passes import FixupArgs, TranslateByteCode

from simsys.draws.calls import PartLowering, VectorLowering


class Pipeline:
    """Numba's steps, one after the other; the last but one makes code."""

    pipeline_name = "part"

    def __init__(self, lowering: Any) -> None:
        self.lowering = lowering
        self.exec_times: dict[str, Any] = {}

    def run(self, state: Any) -> None:
        """From Python's byte code to code that LLVM can link."""
        TranslateByteCode().run_pass(state)
        FixupArgs().run_pass(state)
        state.func_ir.blocks = canonicalize_cfg(state.func_ir.blocks)
        reconstruct_ssa(state.func_ir)
        state.func_ir._definitions = build_definitions(state.func_ir.blocks)
        NopythonTypeInference().run_pass(state)
        PreLowerStripPhis()._strip_phi_nodes(state.func_ir)
        state.func_ir._definitions = build_definitions(state.func_ir.blocks)
        self.lowering().run_pass(state)
        NoPythonBackend().run_pass(state)


class VectorCompiler(CompilerBase):
    """Numba's compiler, for parts whose loops become vector instructions."""

    def define_pipelines(self) -> list[Any]:
        return [Pipeline(VectorLowering)]


class PartCompiler(CompilerBase):
    """The same, for parts whose loops turn few times."""

    def define_pipelines(self) -> list[Any]:
        return [Pipeline(PartLowering)]
