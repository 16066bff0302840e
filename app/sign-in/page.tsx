import type { Metadata } from "next";

import { safePath } from "#dashboards/shell/safe-path.ts";
import { SignInPage } from "#dashboards/shell/sign-in-page.tsx";

export const metadata: Metadata = { title: "Sign in" };

type Props = { searchParams: Promise<{ next?: string | string[]; ended?: string | string[] }> };

export default async function Page({ searchParams }: Props) {
  const { next, ended } = await searchParams;
  const after = safePath(typeof next === "string" ? next : undefined);
  return <SignInPage next={after} hasEnded={ended !== undefined} />;
}
