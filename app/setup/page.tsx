import type { Metadata } from "next";

import { SetupPage } from "#dashboards/shell/setup-page.tsx";

export const metadata: Metadata = { title: "First owner", referrer: "no-referrer" };

type Props = { searchParams: Promise<{ token?: string | string[] }> };

export default async function Page({ searchParams }: Props) {
  const { token } = await searchParams;
  return <SetupPage token={typeof token === "string" ? token : ""} />;
}
