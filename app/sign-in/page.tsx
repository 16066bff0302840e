import type { Metadata } from "next";

import { safePath } from "#dashboards/shell/safe-path.ts";
import { SignInPage } from "#dashboards/shell/sign-in-page.tsx";

export const metadata: Metadata = { title: "Sign in" };

type Props = { searchParams: Promise<{ next?: string | string[] }> };

export default async function Page({ searchParams }: Props) {
  const { next } = await searchParams;
  return <SignInPage next={safePath(typeof next === "string" ? next : undefined)} />;
}
