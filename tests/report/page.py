# What is wrong with an HTML page, without a browser: page.py report.html
# Tags are closed in order, ids are unique and what refers to them is right, every picture has a title and a text, every
# table a caption and heads with a scope, and nothing is loaded.
import html.parser
import sys

VOID = {"meta", "link", "br", "circle", "rect", "line", "path"}
faults = []


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.refers, self.text = [], [], [], {}
        self.pictures = self.tables = 0

    def handle_startendtag(self, tag, attrs):
        self.see(tag, dict(attrs))

    def handle_starttag(self, tag, attrs):
        self.see(tag, dict(attrs))
        if tag not in VOID:
            self.open.append((tag, dict(attrs)))
        elif tag not in ("meta", "link"):
            faults.append(f"{self.getpos()}: <{tag}> is not closed")

    def see(self, tag, attrs):
        if "id" in attrs:
            self.ids.append(attrs["id"])
        for name, value in attrs.items():
            if name.startswith("on") or name == "src" or name == "srcset":
                faults.append(f"{self.getpos()}: {tag} {name}")
            if name in ("href", "xlink:href") and not (value.startswith("#") or value == "data:,"):
                faults.append(f"{self.getpos()}: {tag} refers to {value}")
            if name == "href" and value.startswith("#"):
                self.refers.append(value[1:])
        if tag == "svg" and attrs.get("aria-hidden") != "true":
            self.pictures += 1
            names = attrs.get("aria-labelledby", "").split()
            if attrs.get("role") != "img" or len(names) != 2:
                faults.append(f"{self.getpos()}: a picture without texts")
            self.refers += names
        if tag == "table":
            self.tables += 1
            self.captions = 0
        if tag == "caption":
            self.captions += 1
        if tag == "th" and attrs.get("scope") not in ("row", "col"):
            faults.append(f"{self.getpos()}: a th without a scope")

    def handle_endtag(self, tag):
        if not self.open or self.open[-1][0] != tag:
            faults.append(f"{self.getpos()}: </{tag}> closes {self.open[-1:]}")
            return
        self.open.pop()
        if tag == "table" and self.captions != 1:
            faults.append(f"{self.getpos()}: {self.captions} captions")

    def handle_data(self, data):
        for tag, attrs in self.open:
            if "id" in attrs:
                self.text[attrs["id"]] = self.text.get(attrs["id"], "") + data
        if self.open and self.open[-1][0] in ("style",) and ("url(" in data or "@import" in data):
            faults.append(f"{self.getpos()}: a style that loads")


page = Page()
text = open(sys.argv[1], encoding="utf-8", newline="").read()
page.feed(text)
page.close()
if page.open:
    faults.append(f"open at the end: {page.open}")
if len(page.ids) != len(set(page.ids)):
    faults.append(f"ids twice: {sorted(i for i in set(page.ids) if page.ids.count(i) > 1)}")
faults += [f"#{name} is nowhere" for name in page.refers if name not in page.ids]
faults += [f"#{name} has no text" for name in page.refers if not page.text.get(name, "").strip()]
bad = [c for c in text if (ord(c) < 32 and c not in "\t\n") or 127 <= ord(c) < 160 or ord(c) & 0xFFFE == 0xFFFE]
if bad:
    faults.append(f"characters that HTML forbids: {bad[:5]}")
print(f"{page.pictures} pictures, {page.tables} tables")
for fault in faults:
    print(fault)
sys.exit(bool(faults))
