"""What came of reading a configuration: the configuration, or why there is none."""

from __future__ import annotations

from snowfox.core.config.problem import Problem, counted
from snowfox.core.frozen import Frozen
from snowfox.errors import ConfigurationRefused
from snowfox.service.layer import Chain, Origin
from snowfox.service.spec import Configuration


class Checked(Frozen):
    """The outcome of a check.

    Args:
        title: the main file, as a person calls it.
        configuration: None when there are errors.
        problems: errors and warnings in the order of the file.
        chains: what says something about each service that was read, for `origins`.
    """

    title: str
    configuration: Configuration | None
    problems: tuple[Problem, ...]
    chains: dict[str, Chain] = {}  # noqa: RUF012 - a frozen value's default

    def origins(self, service: str) -> dict[str, Origin]:
        """Who wrote each key of a service (`restart.limit`), found out now; what is not there has its default."""
        chain = self.chains.get(service)
        return {} if chain is None else chain.origins()

    @property
    def errors(self) -> tuple[Problem, ...]:
        """What must be changed."""
        return tuple(problem for problem in self.problems if not problem.is_warning)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What may be meant otherwise."""
        return tuple(problem for problem in self.problems if problem.is_warning)

    def require(self) -> Configuration:
        """The configuration. Raises ConfigurationRefused with all errors, each as it is shown."""
        if self.configuration is None:
            shown = [problem.show() for problem in self.errors]
            raise ConfigurationRefused(f"cannot read {self.title}: {counted(len(shown), 'error')}", "", shown)
        return self.configuration

    def summary(self) -> str:
        """The last line of a check: `2 errors`, `1 error, 1 warning`, `snowfox.toml is fine: 4 services, 5 instances`."""
        errors, warnings = len(self.errors), len(self.warnings)
        counts = [counted(count, noun) for count, noun in ((errors, "error"), (warnings, "warning")) if count]
        if self.configuration is None:
            return ", ".join(counts)
        services = self.configuration.services
        number = sum(service.count for service in services.values())
        fine = f"{counted(len(services), 'service')}, {counted(number, 'instance')}"
        word = "can be used" if warnings else "is fine"
        return ", ".join([f"{self.title} {word}: {fine}", *counts])
