"""What our code does while the mouse moves over a chart."""

from __future__ import annotations

from statistics import median

from playwright.sync_api import Page

__all__ = ["FRAME_MS", "HOVER", "hover_ms"]

FRAME_MS = 16

# moves the pointer over the chart, and times the handler and what it asked to be drawn at the next frame
HOVER = """async ([selector, moves]) => {
  const chart = [...document.querySelectorAll(selector)].findLast((one) => one.offsetParent !== null)
  const { width, height, left, top } = chart.getBoundingClientRect()
  const real = window.requestAnimationFrame
  let drawing = 0
  window.requestAnimationFrame = (call) => real((time) => {
    const begun = performance.now()
    call(time)
    drawing += performance.now() - begun
  })
  const work = [], frames = []
  let last = performance.now()
  for (let move = 0; move < moves; move++) {
    drawing = 0
    const begun = performance.now()
    const [x, y] = [(move * 37.7) % width, (move * 11.3) % height]
    const event = new PointerEvent("pointermove", { bubbles: true, clientX: left + x, clientY: top + y })
    Object.defineProperty(event, "offsetX", { value: x })
    Object.defineProperty(event, "offsetY", { value: y })
    chart.dispatchEvent(event)
    const handling = performance.now() - begun
    await new Promise((next) => real(next))
    const now = performance.now()
    work.push(handling + drawing)
    frames.push(now - last)
    last = now
  }
  window.requestAnimationFrame = real
  return [work, frames.slice(1)]
}"""


def hover_ms(page: Page, selector: str, moves: int = 40) -> float:
    """Return the milliseconds that a movement over the chart takes: the handler, and what it has drawn; the median."""
    work, _ = page.evaluate(HOVER, [selector, moves])
    return median(work)
