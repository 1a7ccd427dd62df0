/** Which models come along. Apart from the other settings, since the command line starts without loading those. */

/** Whether the model makes its text by itself, without a language model: known before it has said anything. */
export const isBuiltIn = (model: string): boolean => model === 'rehearsal' || model.startsWith('playbook:');
