"""The portal on a real socket, and checks of a page that only a browser can make."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from playwright.sync_api import Page
from portal_fhir import FakeFhir
from starlette.types import ASGIApp

from tests.free_ports import free_port

# What stands alone and takes a finger; links inside sentences are measured by their line.
SMALL = """least => [...document.querySelectorAll(
  'a, button, summary, select, input:not([type=hidden]), label:has(input)')]
  .filter(one => !one.closest('p, li p, .skip, [hidden], dialog:not([open])') || one.matches('.button'))
  .filter(one => !one.matches('.options input, .skip') && !one.closest('main svg'))
  .filter(one => one.getClientRects().length)
  .map(one => [one, one.getBoundingClientRect()])
  .filter(([one, box]) => box.height < least - .5 || box.width < 44 - .5 && one.tagName !== 'A')
  .map(([one, box]) => `${one.tagName} ${one.textContent.trim().slice(0, 20)} ${box.height}`)"""
WIDE = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
LABELS = """() => [...document.querySelectorAll('svg text')].map(one => parseFloat(getComputedStyle(one).fontSize))"""
LEAST_TEXT = """() => Math.min(...[...document.querySelectorAll('main *')]
  .filter(one => [...one.childNodes].some(node => node.nodeType === 3 && node.textContent.trim()))
  .map(one => parseFloat(getComputedStyle(one).fontSize)))"""
UNMARKED = r"""() => { const found = []; const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) { const text = walk.currentNode;
    if (/[\u3400-\u9fff]/.test(text.textContent) && text.parentElement.closest('[lang]').lang !== 'zh-CN'
        && text.parentElement.tagName !== 'OPTION') found.push(text.textContent.trim()); }
  return found; }"""
NARROWEST_CELL = "() => Math.min(...[...document.querySelectorAll('td, th')].map(one => one.clientWidth))"
FOCUSED = """() => { const box = document.activeElement.getBoundingClientRect();
  return [box.top, box.bottom, innerHeight]; }"""
WEAR = """css => { const sheet = new CSSStyleSheet(); sheet.replaceSync(css);
  document.adoptedStyleSheets = [sheet]; }"""
SPACED = "* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important; }"


@contextmanager
def served(app: ASGIApp, port: int) -> Iterator[str]:
    """An application on a socket of this machine."""
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, ws="none")  # type: ignore[arg-type]
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    while thread.is_alive() and not server.started:
        thread.join(0.02)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


@contextmanager
def served_fhir(fhir: FakeFhir) -> Iterator[int]:
    """The fake FHIR server on a port."""
    port = free_port()
    with served(fhir.application(), port):
        yield port


def sign_in(page: Page, portal: str) -> None:
    """As the resident, by the button of the demo sign-in."""
    page.goto(f"{portal}/sign-in")
    page.click("button[value=resident]")
    page.wait_for_url(f"{portal}/")


def small_targets(page: Page, least: float) -> list[str]:
    """What is lower than a finger."""
    found: list[str] = page.evaluate(SMALL, least)
    return found


def measured(page: Page, question: str) -> Any:
    """What the page answers."""
    return page.evaluate(question)
