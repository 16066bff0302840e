import { existsSync } from "node:fs";

import { AxeBuilder } from "@axe-core/playwright";
import { type Browser, type Page, chromium } from "playwright";

import { IS_BUILT } from "./control-plane.ts";

const CHROMIUM = process.env["QUARTERDECK_CHROMIUM"] ?? "/usr/bin/chromium";

/** Browser tests need a browser and built pages. `npm test` fails in CI where they are missing. */
export const CAN_RUN_BROWSER = existsSync(CHROMIUM) && IS_BUILT;

export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** The accessibility violations that axe finds on the current page, one line per kind. */
export async function axeViolations(
  page: Page,
  { impacts, without = [] }: { impacts?: readonly string[]; without?: string[] } = {},
): Promise<string[]> {
  // Legacy mode runs in the page itself; there are no frames of other origins that would need a second page.
  const { violations } = await new AxeBuilder({ page })
    .setLegacyMode()
    .disableRules(without)
    .analyze();
  return violations
    .filter(({ impact }) => impacts === undefined || impacts.includes(impact ?? ""))
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
}
