"""Jobs: what a play needs around it."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

SCRIPT = """
import resource
import numpy as np
from simsys.experiment.jobs import keep_pages

def new_pages():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        [np.ones(1 << 17) for _ in range(8)]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

told = [(new_pages(), new_pages())[1]]
keep_pages()
told.append((new_pages(), new_pages())[1])
print(*told)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="malloc is not that of glibc here")
def test_what_a_play_lets_go_of_it_gets_again_without_new_pages() -> None:
    before, after = subprocess.check_output([sys.executable, "-c", SCRIPT], text=True).split()
    assert int(before) > 5000 and int(after) < 500
