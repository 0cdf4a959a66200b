import type { ComponentProps } from 'react'
import styles from './card.module.css'

/** A part of a page with a frame of its own, what belongs together in it beneath one another. */
export function Card({ className = '', ...rest }: ComponentProps<'section'>) {
  return <section {...rest} className={`${styles['card']} ${className}`} />
}
