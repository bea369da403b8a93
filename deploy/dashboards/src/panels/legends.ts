/** By process, where only one service is shown. */
export const PROCESS = "{{instance}}";

/** By process, where several services are: the containers of a pod have one instance, and the job tells them apart. */
export const SERVICE_AND_PROCESS = "{{job}} {{instance}}";
