import type { Metadata } from "next";
import { cookies } from "next/headers";

import { FormatsPage } from "#dashboards/formats/formats-page.tsx";
import { parseTheme, THEME_COOKIE } from "#dashboards/shell/theme.ts";

export const metadata: Metadata = { title: "Formats" };

export default async function Page() {
  return <FormatsPage theme={parseTheme((await cookies()).get(THEME_COOKIE)?.value)} />;
}
