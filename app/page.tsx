import type { Metadata } from "next";
import { cookies } from "next/headers";

import { BoardPage } from "#dashboards/panels/board-page.tsx";
import { parseTheme, THEME_COOKIE } from "#dashboards/shell/theme.ts";

export const metadata: Metadata = { title: "Board" };

export default async function Page() {
  return <BoardPage theme={parseTheme((await cookies()).get(THEME_COOKIE)?.value)} />;
}
