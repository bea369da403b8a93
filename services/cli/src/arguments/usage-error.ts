/** The command line or the settings cannot be meant: exit code 2. */
export class UsageError extends Error {
  /** The command whose help tells more: "key create"; empty for that of the whole. */
  readonly topic: string | undefined;

  constructor(message: string, topic?: string) {
    super(message);
    this.name = "UsageError";
    this.topic = topic;
  }
}
