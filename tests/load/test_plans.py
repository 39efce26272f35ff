"""The load plans can be read, send the same mix, and name routes that exist."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import UUID
from xml.etree import ElementTree as ET

import pytest
from django.urls import resolve

HERE = Path(__file__).parent
SOME_ID = str(UUID(int=1))


def jmeter_mix() -> dict[str, tuple[str, str, int]]:
    """Name -> (method, path, share of a hundred) of the JMeter plan."""
    tree = ET.parse(HERE / "numina.jmx")  # noqa: S314 - our own file
    mix = {}
    for controller, inside in zip(tree.iter("ThroughputController"), _after(tree, "ThroughputController"), strict=True):
        sampler = next(inside.iter("HTTPSamplerProxy"))
        values = {child.get("name"): child.text or "" for child in sampler.iter("stringProp")}
        share = float(controller.findtext("FloatProperty/value") or 0)
        mix[sampler.get("testname", "")] = (values["HTTPSampler.method"], values["HTTPSampler.path"], round(share))
    return mix


def _after(tree: ET.ElementTree, tag: str) -> list[ET.Element]:
    """The hashTree behind each element of a tag: JMeter keeps an element's children in its next sibling."""
    found = []
    for parent in tree.iter("hashTree"):
        children = list(parent)
        found += [children[n + 1] for n, child in enumerate(children[:-1]) if child.tag == tag]
    return found


def locust_mix() -> dict[str, tuple[str, str, int]]:
    """The same of the locust file, from its text: importing locust would patch the sockets of this process."""
    text = (HERE / "locustfile.py").read_text(encoding="utf-8")
    mix = {}
    for share, body in re.findall(r"@task\((\d+)\)\n(.*?)(?=\n    @task|\Z)", text, re.DOTALL):
        method, path = re.search(r'client\.(get|post)\(\s*f?"([^"]+)"', body).groups()  # type: ignore[union-attr]
        name = re.search(r'name="([^"]+)"', body)[1]  # type: ignore[index]
        mix[name] = (method.upper(), re.sub(r"\{[^}]+\}", "${id}", path), int(share))
    return mix


def test_both_plans_send_the_same_mix() -> None:
    mix = jmeter_mix()
    assert mix == locust_mix()
    assert sum(share for _, _, share in mix.values()) == 100


@pytest.mark.parametrize(
    "name", ["GET balance", "POST transfer", "GET transactions", "GET account", "POST batch of 50"]
)
def test_the_plans_name_routes_that_exist(name: str) -> None:
    method, path, _ = jmeter_mix()[name]
    view = resolve(path.replace("${id}", SOME_ID))
    assert method in view.func.view_class.permissions  # type: ignore[attr-defined]
