//! Statements that Diesel prepares once and then finds by their type or their text.

/// Declares statements of a backend: pieces of text, or constants in parentheses, each with the parameter
/// that follows it. One that has rows names their SQL type.
///
/// Where a type is named that says how the tables are called, it adds the pieces to the query, and Diesel finds the
/// statement by the text that this makes.
macro_rules! statements {
    ($backend:ty, $connection:ty, $tables:ty: $(
        $(#[$doc:meta])*
        $name:ident -> $rows:ty =
            $( $sql:tt $( + $parameter:ident: $type:ty as $sql_type:ty )? ),+;
    )+) => { $(
        $(#[$doc])*
        pub(super) struct $name<'t> {
            pub(super) tables: &'t $tables,
            $( $( pub(super) $parameter: $type, )? )+
        }

        impl diesel::query_builder::QueryFragment<$backend> for $name<'_> {
            #[allow(unused_parens, reason = "they make one token of a constant's path")]
            fn walk_ast<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<'_, 'b, $backend>,
            ) -> diesel::QueryResult<()> {
                $(
                    self.tables.push(&mut out, $sql);
                    $( out.push_bind_param::<$sql_type, _>(&self.$parameter)?; )?
                )+
                Ok(())
            }
        }

        $crate::statements::found_by_text!($name, $rows, $connection);
    )+ };
    ($backend:ty, $connection:ty: $(
        $(#[$doc:meta])*
        $name:ident $(-> $rows:ty)? =
            $( $sql:tt $( + $parameter:ident: $type:ty as $sql_type:ty )? ),+;
    )+) => { $(
        $(#[$doc])*
        pub(super) struct $name {
            $( $( pub(super) $parameter: $type, )? )+
        }

        impl diesel::query_builder::QueryFragment<$backend> for $name {
            #[allow(unused_parens, reason = "they make one token of a constant's path")]
            fn walk_ast<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<'_, 'b, $backend>,
            ) -> diesel::QueryResult<()> {
                $(
                    out.push_sql($sql);
                    $( out.push_bind_param::<$sql_type, _>(&self.$parameter)?; )?
                )+
                Ok(())
            }
        }

        impl diesel::query_builder::QueryId for $name {
            type QueryId = Self;
            const HAS_STATIC_QUERY_ID: bool = true;
        }

        $(
            impl diesel::query_builder::Query for $name {
                type SqlType = $rows;
            }
        )?

        impl diesel::RunQueryDsl<$connection> for $name {}
    )+ };
}

/// Lets a statement that has such rows and borrows how the tables are called be prepared once for each text.
macro_rules! found_by_text {
    ($name:ident, $rows:ty, $connection:ty) => {
        impl diesel::query_builder::QueryId for $name<'_> {
            type QueryId = ();
            const HAS_STATIC_QUERY_ID: bool = false;
        }

        impl diesel::query_builder::Query for $name<'_> {
            type SqlType = $rows;
        }

        impl diesel::RunQueryDsl<$connection> for $name<'_> {}
    };
}

pub(crate) use {found_by_text, statements};
