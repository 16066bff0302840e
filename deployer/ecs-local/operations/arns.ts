/** Names of resources as Amazon Resource Names. */
export class Arns {
  readonly #prefix: string;

  constructor({ region, account }: { region: string; account: string }) {
    this.#prefix = `arn:aws:ecs:${region}:${account}`;
  }

  cluster(name: string): string {
    return `${this.#prefix}:cluster/${name}`;
  }

  service(clusterArn: string, name: string): string {
    return `${this.#prefix}:service/${nameIn(clusterArn)}/${name}`;
  }

  task(clusterArn: string, id: string): string {
    return `${this.#prefix}:task/${nameIn(clusterArn)}/${id}`;
  }

  taskDefinition(family: string, revision: number): string {
    return `${this.#prefix}:task-definition/${family}:${revision}`;
  }

  /** Each cluster has one: this machine. */
  containerInstance(clusterArn: string): string {
    return `${this.#prefix}:container-instance/${nameIn(clusterArn)}/this-machine`;
  }
}

/** The last part: the name of a cluster or service, the id of a task, the family and revision of a task definition. */
export const nameIn = (arn: string): string => arn.slice(arn.lastIndexOf("/") + 1);

export const isArn = (text: string): boolean => text.startsWith("arn:");
