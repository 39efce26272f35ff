"""XML as a plain tree of names without their namespaces. Documents that bring their own definitions are refused:
entities of theirs could grow without end or name files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers.expat import ExpatError, ParserCreate

from apps.calculations.errors import BankFileNotValid

DEPTH_MAX = 64


@dataclass(slots=True)
class Node:
    """An element: its name, attributes, text and children."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    text: str = ""
    children: list[Node] = field(default_factory=list)

    def all(self, name: str) -> list[Node]:
        """The children of this name."""
        return [child for child in self.children if child.name == name]

    def find(self, path: str) -> Node | None:
        """The first element along a path of names ("Acct/Id/IBAN")."""
        found: Node | None = self
        for name in path.split("/"):
            found = next((child for child in found.children if child.name == name), None) if found else None
        return found

    def said(self, *paths: str) -> str:
        """The text at the first of these paths that has one, or nothing."""
        for path in paths:
            found = self.find(path)
            if found is not None and found.text.strip():
                return found.text.strip()
        return ""

    def below(self, name: str) -> Iterator[Node]:
        """The elements of this name at any depth, in order."""
        for child in self.children:
            if child.name == name:
                yield child
            yield from child.below(name)


def xml_read(content: bytes) -> Node:
    """The root of a document. Raises BankFileNotValid."""
    top = Node("")
    stack = [top]
    texts: list[list[str]] = [[]]

    def begin(name: str, attributes: dict[str, str]) -> None:
        if len(stack) > DEPTH_MAX:
            raise BankFileNotValid(f"Elements are nested more than {DEPTH_MAX} deep.", pointer="/content")
        node = Node(name.rpartition("|")[2], attributes)
        stack[-1].children.append(node)
        stack.append(node)
        texts.append([])

    def end(_name: str) -> None:
        stack.pop().text = "".join(texts.pop())

    def said(text: str) -> None:
        texts[-1].append(text)

    def refuse(*_details: object) -> None:
        raise BankFileNotValid("Documents with a DTD are not read.", pointer="/content")

    parser = ParserCreate(namespace_separator="|")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = begin, end, said
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    try:
        parser.Parse(content, True)
    except (ExpatError, ValueError, LookupError) as error:
        raise BankFileNotValid(f"Not well-formed XML: {error}.", pointer="/content") from error
    return top.children[0]
