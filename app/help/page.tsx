import type { Metadata } from "next";
import { cookies } from "next/headers";

import { SearchHelpPage } from "#dashboards/help/search-help-page.tsx";
import { parseTheme, THEME_COOKIE } from "#dashboards/shell/theme.ts";

export const metadata: Metadata = { title: "Help on searching" };

export default async function Page() {
  return <SearchHelpPage theme={parseTheme((await cookies()).get(THEME_COOKIE)?.value)} />;
}
