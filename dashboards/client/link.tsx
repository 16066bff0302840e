"use client";

import NextLink from "next/link";
import type { ComponentProps } from "react";

import { isUrlBehind, useNavigate } from "./url-state.ts";

type LinkProps = Omit<ComponentProps<typeof NextLink>, "href" | "onNavigate"> & { href: string };

/** A link to another page of the app that may be followed right after a change of the URL's state. */
export function Link(props: LinkProps) {
  const navigate = useNavigate();
  return (
    <NextLink
      {...props}
      onNavigate={(event) => {
        if (!isUrlBehind()) return;
        event.preventDefault();
        navigate(props.href);
      }}
    />
  );
}
