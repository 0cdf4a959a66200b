import '@testing-library/jest-dom/vitest'
import { cleanup, configure } from '@testing-library/react'
import { afterEach } from 'vitest'

afterEach(cleanup)

// How long a busy machine may take is no part of what is tested: a search ends when it finds, or well before a test's own end.
configure({ asyncUtilTimeout: 10_000 })
