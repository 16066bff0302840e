import { type Placeholders, type Rendered, render, type Template } from "../template.ts";

const required = { isRequired: true } as const;

/** What the template of a cache node may have. */
export const VCL_PLACEHOLDERS: Placeholders = {
  haproxyNodes: {
    isRequired: true,
    within: {
      id: required,
      host: { isRequired: false },
      port: { isRequired: false },
      allAttemptsMs: { isRequired: false },
    },
  },
};

/** A HAProxy node as Varnish reaches it. */
export type HaproxyBackend = { id: string; internal: string };

/** The VCL, with the internal frontend of each HAProxy node as a backend. */
export function renderVcl(
  template: Template,
  nodes: readonly HaproxyBackend[],
  allAttemptsMs: number,
): Rendered {
  return render(template, {
    haproxyNodes: nodes.map(({ id, internal }) => {
      const at = internal.lastIndexOf(":");
      const [host, port] = [internal.slice(0, at), internal.slice(at + 1)];
      return { id, host, port, allAttemptsMs: String(allAttemptsMs) };
    }),
  });
}
