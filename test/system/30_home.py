#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The page at `/`: complete, with links that lead somewhere, and in nobody's way. Usage: 30_home.py STRATA"""
import html.parser
import http.client
import json
import pathlib
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from instance import check, init, run_all, strata, url  # noqa: E402

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def ask(target, method="GET", **headers):
    """Status, headers, body."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url()).netloc, timeout=60)
    connection.request(method, target, headers=headers)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, answer.headers, body


class Page(html.parser.HTMLParser):
    """Its elements, links and text; what is opened and not closed is left in `open`."""
    EMPTY = {"meta", "link"}

    def __init__(self, text):
        super().__init__()
        self.open, self.seen, self.links, self.text, self.wrong = [], [], [], "", []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        if tag not in self.EMPTY:
            self.open.append(tag)
        if tag == "a":
            self.links.append(dict(attrs)["href"])

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data):
        self.text += data


def scene():
    init()
    strata("up")


def a_browser_gets_a_whole_page_without_scripts():
    status, headers, body = ask("/", Accept=BROWSER)
    page = Page(body)
    check(status == 200 and headers["Content-Type"] == "text/html; charset=utf-8", (status, headers))
    check(not page.open and not page.wrong, (page.open, page.wrong))
    check("script" not in page.seen and "'none'" in headers["Content-Security-Policy"], headers)
    check("color-scheme" in body and 'name="viewport"' in body and 'lang="en"' in body, body)
    version = json.loads(strata("version", "--json").stdout)["version"]
    check(f"Strata {version}" in page.text, page.text)
    check(ask("/")[2] == body and ask("/", Accept="*/*")[2] == body, "who does not say gets the page")


def a_program_gets_the_same_links_as_json():
    page = Page(ask("/")[2])
    status, headers, body = ask("/", Accept="application/json")
    answer = json.loads(body)
    check(status == 200 and headers["Content-Type"] == "application/json", (status, headers))
    check("Accept" in ", ".join(headers.get_all("Vary")).split(", "), headers)
    check([link["href"] for link in answer["links"]] == [href for href in page.links if not href.startswith("?")], answer)
    check(all(link["title"] in page.text for link in answer["links"]), answer)
    check(ask("/", Accept="application/json, text/html")[1]["Content-Type"].startswith("text/html"), "both")


def every_link_leads_somewhere():
    links = json.loads(ask("/", Accept="application/json")[2])["links"]
    targets = {urllib.parse.urljoin("/", link["href"]): link["type"] for link in links}
    check(set(targets) == {"/stac", "/api/v1/catalog", "/openapi.json", "/healthz", "/readyz", "/metrics"}, targets)
    for target, kind in targets.items():
        status, headers, _ = ask(target)
        check(status == 200 and headers["Content-Type"].split(";")[0] == kind, (target, status, headers["Content-Type"]))


def it_is_in_the_way_of_nobody():
    status, headers, body = ask("/?list_root_gpath", Accept=BROWSER)
    check(status == 200 and "sub_paths" in json.loads(body), body)
    status, _, body = ask("/?list_root_gpat")
    check(status == 400 and "list_root_gpat" in body, body)
    check(ask("/nothing")[0] == 404 and ask("/", "DELETE")[0] == 405, "others")
    check(ask("/", "HEAD")[2] == "", "HEAD")
    check("/" in json.loads(ask("/openapi.json")[2])["paths"], "it is described")


def it_goes_without_a_token_and_says_so_of_what_does_not():
    links = json.loads(ask("/", Accept="application/json")[2])["links"]
    strata("token", "create", "--role", "reader")
    while ask("/api/v1/catalog")[0] != 401:
        pass
    check(ask("/")[0] == 200, "the page")
    for link in links:
        status = ask("/" + link["href"])[0]
        check((status == 401) == (link["needs"] != "nobody"), (link, status))


if __name__ == "__main__":
    sys.exit(run_all(scene, [a_browser_gets_a_whole_page_without_scripts, a_program_gets_the_same_links_as_json,
                             every_link_leads_somewhere, it_is_in_the_way_of_nobody,
                             it_goes_without_a_token_and_says_so_of_what_does_not]))
