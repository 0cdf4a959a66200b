import type { ComponentProps } from 'react'
import styles from './choice.module.css'

/** A box to tick, or one of several (`type="radio"`): what it is called, and what it does where the name does not say it. */
export function Choice({
  label,
  text,
  type = 'checkbox',
  ...rest
}: { label: string; text?: string; type?: 'checkbox' | 'radio' } & Omit<ComponentProps<'input'>, 'type'>) {
  return (
    <label className={styles['choice']}>
      <input {...rest} type={type} />
      {text === undefined ? (
        label
      ) : (
        <span>
          <strong>{label}</strong>
          <span className={styles['text']}>{text}</span>
        </span>
      )}
    </label>
  )
}
