/** Names of the plan templates: a file of each stands in `templates/`. Apart from them, since help only needs the names. */
export const TEMPLATE_NAMES = ['decision', 'document', 'software', 'survey'] as const;

export type TemplateName = (typeof TEMPLATE_NAMES)[number];

/** Whether there is a template of that name. */
export const isTemplateName = (name: string): name is TemplateName =>
  (TEMPLATE_NAMES as readonly string[]).includes(name);
