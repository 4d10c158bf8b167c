"""A host in memory: the fake of equal rank to Linux, proved by the same contract suite.

```python
kernel = FakeKernel(clock)
daemon = FakePosix(kernel)                       # a process of root; FakePosix(kernel, uid=1000) of a user
kernel.install("/usr/bin/web", handles=(SIGTERM,))
pid = daemon.processes.spawn(Spawn("/usr/bin/web", ("web",), {}, (), session=True))
kernel.fail("bind", EACCES, port=80)
kernel.end(pid, Exit(code=1))
assert kernel.process(pid).signals == ["TERM"]
```

What differs from Linux: `fork` returns only in the parent (`FakePosix(kernel, pid=child)` is the child), `execute` and
`leave` raise `Gone`, what would hang for ever raises `Stuck`, and a program is what a test gave to `install`.
"""

from __future__ import annotations

from snowfox.testing.kernel.fake_own import Gone
from snowfox.testing.kernel.kernel import FakeKernel
from snowfox.testing.kernel.opened import Stuck
from snowfox.testing.kernel.posix import FakePosix
from snowfox.testing.kernel.process import FakeProcess

__all__ = ["FakeKernel", "FakePosix", "FakeProcess", "Gone", "Stuck"]
