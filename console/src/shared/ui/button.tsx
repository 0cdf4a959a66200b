import type { ComponentProps, ReactNode } from 'react'
import styles from './controls.module.css'

type Look = 'plain' | 'primary' | 'danger' | 'quiet'

/** A button. `reason` says why it cannot be used now (a permission that lacks, nothing to do): it stays reachable by keyboard. */
export function Button({
  look = 'plain',
  reason,
  className = '',
  onClick,
  type = 'button',
  ...rest
}: ComponentProps<'button'> & { look?: Look; reason?: string | undefined }) {
  return (
    <button
      {...rest}
      type={type}
      className={`${styles['button']} ${styles[look]} ${className}`}
      aria-disabled={reason ? true : undefined}
      title={reason ?? rest.title}
      onClick={reason ? undefined : onClick}
    />
  )
}

/** A button that is an icon; `label` is its name for screen readers and its tooltip. */
export function IconButton({
  label,
  children,
  ...rest
}: { label: string; children: ReactNode } & ComponentProps<'button'>) {
  return (
    <button type="button" className={styles['icon']} aria-label={label} title={label} {...rest}>
      {children}
    </button>
  )
}

/** A labelled control; `hint` explains it, `problem` says what is wrong with it. */
export function Field({
  label,
  hint,
  problem,
  children,
}: {
  label: string
  hint?: ReactNode
  problem?: string | undefined
  children: ReactNode
}) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is among the children.
    <label className={styles['field']}>
      <span className={styles['label']}>{label}</span>
      {children}
      {hint && <span className={styles['hint']}>{hint}</span>}
      {problem && (
        <span className={styles['problem']} role="alert">
          {problem}
        </span>
      )}
    </label>
  )
}
