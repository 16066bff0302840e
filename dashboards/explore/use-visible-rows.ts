"use client";

import { type RefObject, useCallback, useEffect, useState } from "react";

/** Rows beyond each end of the view that stay in the page, so that scrolling shows no gaps. */
const SPARE_ROWS = 30;
const ROW_PX = 29;

export type VisibleRows = {
  first: number;
  /** After the last one. */
  end: number;
  /** The height of every row. */
  rowPx: number;
  /** To be called when the list is scrolled. */
  update: () => void;
  /** Scrolls as little as necessary to show a row. */
  reveal: (row: number) => void;
};

/** The rows of a scrolled list that are in view; the others need not be in the page. All rows are equally high. */
export function useVisibleRows(
  list: RefObject<HTMLElement | null>,
  rows: number,
  rowSelector: string,
): VisibleRows {
  const [view, setView] = useState({ first: 0, end: 2 * SPARE_ROWS, rowPx: ROW_PX });
  const update = useCallback(() => {
    const { current: element } = list;
    if (!element) return;
    const rowPx = element.querySelector<HTMLElement>(rowSelector)?.offsetHeight || ROW_PX;
    const top = Math.floor(element.scrollTop / rowPx);
    const first = Math.max(0, top - SPARE_ROWS);
    const end = top + Math.ceil(element.clientHeight / rowPx) + SPARE_ROWS;
    setView((last) =>
      last.first === first && last.end === end && last.rowPx === rowPx
        ? last
        : { first, end, rowPx },
    );
  }, [list, rowSelector]);
  useEffect(() => {
    const { current: element } = list;
    if (!element) return;
    const observer = new ResizeObserver(update);
    observer.observe(element);
    // Resized when rows are added.
    const content = element.querySelector("ol");
    if (content) observer.observe(content);
    return () => observer.disconnect();
  }, [list, update]);
  const reveal = useCallback(
    (row: number) => {
      const { current: element } = list;
      if (!element) return;
      const top = row * view.rowPx;
      if (top < element.scrollTop) element.scrollTo({ top });
      const bottom = top + view.rowPx;
      if (bottom > element.scrollTop + element.clientHeight) {
        element.scrollTo({ top: bottom - element.clientHeight });
      }
      update();
    },
    [list, update, view.rowPx],
  );
  const first = Math.min(view.first, rows);
  return { first, end: Math.min(view.end, rows), rowPx: view.rowPx, update, reveal };
}
