import { z } from "zod";

import { EcsError } from "../protocol/ecs-error.ts";
import { Tag } from "../shapes.ts";
import { type EcsState, put } from "../state.ts";
import { type Context, input, type Operation, read, write } from "./operation.ts";

const TAGS_MAX = 50;
const KINDS = ["clusters", "services", "tasks", "taskDefinitions"] as const;

export const tagOperations: Readonly<Record<string, Operation>> = {
  TagResource: write(
    input({ resourceArn: z.string(), tags: z.array(Tag).default([]) }),
    ({ resourceArn, tags }, context) => {
      const keys = new Set(tags.map(({ key }) => key));
      const kept = tagsOf(context, resourceArn).filter(({ key }) => !keys.has(key));
      const all = [...kept, ...tags];
      if (all.length > TAGS_MAX) {
        throw new EcsError("InvalidParameterException", `A resource can have ${TAGS_MAX} tags.`);
      }
      return { state: withTags(context.state, resourceArn, all), output: {} };
    },
  ),

  UntagResource: write(
    input({ resourceArn: z.string(), tagKeys: z.array(z.string()).default([]) }),
    ({ resourceArn, tagKeys }, context) => {
      const kept = tagsOf(context, resourceArn).filter(({ key }) => !tagKeys.includes(key));
      return { state: withTags(context.state, resourceArn, kept), output: {} };
    },
  ),

  ListTagsForResource: read(input({ resourceArn: z.string() }), ({ resourceArn }, context) => ({
    tags: tagsOf(context, resourceArn),
  })),
};

/** @throws EcsError */
function tagsOf({ state }: Context, arn: string): Tag[] {
  for (const kind of KINDS) {
    const found = state[kind].get(arn);
    if (found) return found.tags;
  }
  throw new EcsError(
    "InvalidParameterException",
    "The specified resource is not found: give the ARN of a cluster, service, task or task definition.",
  );
}

function withTags(state: EcsState, arn: string, tags: Tag[]): EcsState {
  const [cluster, service] = [state.clusters.get(arn), state.services.get(arn)];
  const [task, definition] = [state.tasks.get(arn), state.taskDefinitions.get(arn)];
  if (cluster) return put(state, "clusters", { ...cluster, tags });
  if (service) return put(state, "services", { ...service, tags });
  if (task) return put(state, "tasks", { ...task, tags });
  return definition ? put(state, "taskDefinitions", { ...definition, tags }) : state;
}
