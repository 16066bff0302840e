import { COLOURS, type Colour, type FleetColour, type Task } from "../drivers.ts";
import type { Deploy } from "./deploy.ts";
import { onEveryNode, type Scene } from "./observation.ts";
import { type Place, RULES, ruledBy } from "./states.ts";
import type { Workload } from "./workload.ts";

type Assigned = Workload["slots"][Colour][number];

/** Where the tasks of a colour belong; between deploys, those of the live colour are `in`. */
export function placeOf(workload: Workload, deploy: Deploy | undefined, colour: Colour): Place {
  const rules = deploy && RULES[ruledBy(deploy)];
  if (deploy === undefined || rules === undefined || rules.share === "live") {
    return colour === workload.live ? "in" : "out";
  }
  return colour === deploy.plan.newColour ? rules.new : rules.old;
}

/**
 * Gives each healthy task a slot, and frees the slots of tasks that are gone once no node uses them. The result is
 * persisted before any node learns of it. `deaths`: tasks of the new colour that are gone.
 */
export function assignSlots(scene: Scene): { slots: Workload["slots"]; deaths: number } {
  const { workload, deploy, seen } = scene;
  let deaths = 0;
  const slots = { ...workload.slots };
  for (const colour of COLOURS) {
    const view = seen.fleet?.[colour];
    if (view === undefined) continue;
    const before = workload.slots[colour];
    const place = placeOf(workload, deploy, colour);
    const freed = freeSlots(scene, colour, place);
    const newDeaths = before.filter((slot, index) => slot !== freed[index] && isGone(slot, view));
    if (colour === deploy?.plan.newColour && place === "in") deaths = newDeaths.length;
    const after = place === "in" ? fill(freed, candidates(scene, colour)) : freed;
    if (after.some((slot, index) => slot !== before[index])) slots[colour] = after;
  }
  return { slots, deaths };
}

/** Whether the task of a slot has ended, so that it has no sessions any more. */
export const isGone = (slot: Assigned, view: FleetColour | undefined): boolean =>
  slot !== null && view !== undefined && !view.tasks.some(({ id }) => id === slot.task);

/** Also frees the slots of living tasks of a colour that is out. */
function freeSlots(scene: Scene, colour: Colour, place: Place): Assigned[] {
  const { workload, seen } = scene;
  const view = seen.fleet?.[colour];
  const isUnused = (index: number): boolean =>
    onEveryNode(scene, ({ slots }) => (slots[colour][index]?.state ?? "maint") === "maint");
  return workload.slots[colour].map((slot, index) =>
    slot !== null && (place === "out" || isGone(slot, view)) && isUnused(index) ? null : slot,
  );
}

function fill(slots: readonly Assigned[], tasks: readonly Task[]): Assigned[] {
  const waiting = tasks.filter(({ id }) => !slots.some((slot) => slot?.task === id));
  return slots.map((slot) => {
    const task = slot === null ? waiting.shift() : undefined;
    return task === undefined ? slot : { task: task.id, address: task.address };
  });
}

/** Tasks that may get traffic: of the release of their colour, running and healthy. */
export const candidates = ({ workload, seen }: Scene, colour: Colour): Task[] =>
  (seen.fleet?.[colour].tasks ?? []).filter(
    (task) =>
      task.release === workload.releases[colour] && task.status === "running" && task.healthy,
  );
