"""A page taken apart: tags, texts by section, numbers by table row."""

from html.parser import HTMLParser

VOID = {"input", "meta", "br", "line", "rect", "circle", "path", "use", "image"}


class Page(HTMLParser):
    """Tags with their attributes, texts by the id of their section, rows of tables."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.section = ""
        self.texts: dict[str, str] = {}
        self.rows: dict[str, list[list[float]]] = {}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        if tag in {"section", "header"}:
            self.section = found.get("id") or ""
        if tag == "tr":
            self.rows.setdefault(self.section, []).append([])
        if tag == "data":
            value = float(found["value"] or "nan")
            if "tr" in self.open:
                self.rows[self.section][-1].append(value)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag, f"</{tag}> closes another tag"

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open):
            self.texts[self.section] = self.texts.get(self.section, "") + data
