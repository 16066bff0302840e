import { z } from "zod";

import { COLOURS } from "../drivers.ts";

export const Colour = z.enum(COLOURS);
/** A value for each colour. */
export const colours = <Of extends z.ZodType>(of: Of) => z.object({ blue: of, green: of });

const AssignedSlot = z.object({ task: z.string(), address: z.string() }).nullable();
export const Route = z.object({ live: Colour, next: Colour, splitBp: z.number() });

/** What the machine knows about a workload between deploys and in them, as it is persisted. */
export const Workload = z.object({
  name: z.string(),
  version: z.number(),
  live: Colour,
  releases: colours(z.string().nullable()),
  /** The task of each slot. The slots are the same on all nodes. */
  slots: colours(z.array(AssignedSlot)),
  /** The last route that all nodes had acknowledged. */
  route: Route,
  /** The version of the newest configuration that was sent to any node, and to each. */
  configVersion: z.number(),
  sent: z.record(z.string(), z.number()),
  /** The last request to the fleet. */
  fleetRequest: z
    .object({
      colour: Colour,
      release: z.string(),
      count: z.number(),
      deploy: z.string(),
      atMs: z.number(),
    })
    .nullable(),
  /** The deploy that moves it. At most one, so that no two deploys of a workload run at once. */
  active: z.string().nullable(),
});
export type Workload = z.infer<typeof Workload>;

type Slots = Workload["slots"]["blue"];

const emptySlots = (count: number): null[] => Array.from({ length: count }, () => null);

/** The workload with at least this many slots of each colour. None is taken away, as a task may be in it. */
export function withSlots(workload: Workload, slotsPerColour: number): Workload {
  const { blue, green } = workload.slots;
  const grown = (slots: Slots): Slots => [
    ...slots,
    ...emptySlots(Math.max(0, slotsPerColour - slots.length)),
  ];
  if (Math.min(blue.length, green.length) >= slotsPerColour) return workload;
  return { ...workload, slots: { blue: grown(blue), green: grown(green) } };
}

/** A workload that has never been deployed. */
export function newWorkload(name: string, slotsPerColour: number): Workload {
  const slots = (): null[] => emptySlots(slotsPerColour);
  return {
    name,
    version: 0,
    live: "blue",
    releases: { blue: null, green: null },
    slots: { blue: slots(), green: slots() },
    route: { live: "blue", next: "green", splitBp: 0 },
    configVersion: 0,
    sent: {},
    fleetRequest: null,
    active: null,
  };
}
