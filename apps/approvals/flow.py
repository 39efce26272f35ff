"""The map of an approval in Viewflow. The map is fixed; which way a request takes on it, its policy says.

Each level is a task of its own at `review`, however many there are; a request that was sent back waits at `revise`.
The services put the next steps into `process.route` before they complete a task: deciding the way in their own code
instead of in gateways saves a decision thirty queries, and keeps rules out of the map.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from viewflow import this
from viewflow.workflow import flow
from viewflow.workflow.activation import Activation
from viewflow.workflow.base import Edge
from viewflow.workflow.nodes.end import EndActivation
from viewflow.workflow.nodes.start import StartHandleActivation
from viewflow.workflow.nodes.view import ViewActivation
from viewflow.workflow.signals import flow_finished, task_started
from viewflow.workflow.status import PROCESS, STATUS

from apps.approvals.locks import process_lock
from apps.approvals.models import ApprovalRequest
from apps.core import clock


class _Routed:
    """Creates the tasks that the service put into `process.route`: names of nodes, one task each."""

    def _follow(self: Any) -> Iterator[Activation]:
        for name in self.process.route:
            following = getattr(self.flow_class, name)._create(self, self.task.token)
            self.process.reached.append(following.task)
            yield following


class BeginActivation(_Routed, StartHandleActivation):
    """The start, done by the service that submits."""

    @Activation.status.transition(source=STATUS.DONE)
    def create_next(self) -> Iterator[Activation]:
        yield from self._follow()


class StepActivation(_Routed, ViewActivation):
    """A task for people. `take` names who completes it, without a write of its own: completing writes it."""

    @Activation.status.transition(source=[STATUS.NEW, STATUS.ASSIGNED], target=STATUS.STARTED)
    def take(self, user: Any) -> None:
        self.task.owner = user
        self.task.assigned = self.task.assigned or clock.now()
        self.task.started = clock.now()
        task_started.send(sender=self.flow_class, process=self.process, task=self.task)

    @Activation.status.transition(source=STATUS.DONE)
    def create_next(self) -> Iterator[Activation]:
        yield from self._follow()


class FinishActivation(EndActivation):
    """The end. No other task is open when it is reached, and the service that reached it saves the process.

    It begins and ends in one moment, so its task is written once, as done, and not created, activated and completed.
    """

    @classmethod
    def create(
        cls,
        flow_task: Any,
        prev_activation: Activation,
        token: Any,
        data: Any = None,  # noqa: ARG003
        seed: Any = None,  # noqa: ARG003
    ) -> Activation:
        process, now = prev_activation.process, clock.now()
        task = flow_task.flow_class.task_class(
            process=process, flow_task=flow_task, token=token, status=STATUS.DONE, started=now, finished=now, data={}
        )
        task.save()
        task.previous.add(prev_activation.task)
        process.status, process.finished = PROCESS.DONE, now
        flow_finished.send(sender=flow_task.flow_class, process=process, task=task)
        return cls(task)


class Step(flow.View):
    """A task for people that leads wherever the policy says."""

    activation_class = StepActivation

    def __init__(self, *leads_to: str, **kwargs: Any) -> None:
        super().__init__(None, **kwargs)
        self.leads_to = leads_to

    def _outgoing(self) -> Iterator[Edge]:
        for name in self.leads_to:
            yield Edge(src=self, dst=getattr(self.flow_class, name), edge_class="next")


class Begin(flow.StartHandle):
    """The start of an approval."""

    activation_class = BeginActivation


class Finish(flow.End):
    """The end of an approval."""

    activation_class = FinishActivation


class ApprovalFlow(flow.Flow):
    """Approval of an action by levels."""

    process_class = ApprovalRequest
    process_title = "Approval"
    lock_impl = staticmethod(process_lock)

    begin = Begin(this.fill).Next(this.review)
    review = Step("review", "revise", "finish")
    revise = Step("review", "finish").Assign(lambda activation: activation.process.maker)
    finish = Finish()

    def fill(self, activation: Activation, *, prepare: Callable[[ApprovalRequest], None], **fields: Any) -> Any:
        """Write the request as it is submitted; `prepare` then writes its levels and the first steps of `route`."""
        request = activation.process
        for name, value in fields.items():
            setattr(request, name, value)
        request.save()
        prepare(request)
        return request
